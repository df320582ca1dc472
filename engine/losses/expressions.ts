/** Loss terms over any values of a graph, each beside its equation. */
export { crossEntropy, logisticCrossEntropy, weightedMean } from './cross-entropy.ts'
export { denoised, denoisingLoss, type Preconditioning, preconditioning } from './denoising.ts'
export { type Gaussian, gaussianKl, gaussianLogLikelihood, reparameterised } from './gaussian.ts'
export { gaussianMixtureLogLikelihood, logisticMixtureLogLikelihood, type Mixture } from './mixture.ts'
export { logisticPreference, squaredPreference } from './pair.ts'
export { clippedObjective } from './policy-gradient.ts'
export { cosineDistance, huber, meanOfAll, meanSquaredError } from './regression.ts'
export { movingAverage, temporalDifference, type Transition } from './temporal-difference.ts'
