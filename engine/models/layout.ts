/** Where each named tensor lies in the one flat vector that holds all parameters of a model. */

export interface ParameterSpec {
  /** The Hugging Face name. */
  readonly name: string
  readonly shape: readonly number[]
  /** Index of its first element in the flat vector. */
  readonly offset: number
  readonly size: number
}

export interface ParameterLayout {
  readonly parameters: readonly ParameterSpec[]
  /** Length of the flat vector. */
  readonly size: number
  /** Elements [0, decayed) are subject to weight decay: the matrices come first, the norm weights last. */
  readonly decayed: number
}

/** Matrices first, then vectors, each in the order given. */
export function parameterLayout(tensors: readonly { name: string; shape: readonly number[] }[]): ParameterLayout {
  const matrices = tensors.filter(({ shape }) => shape.length > 1)
  const vectors = tensors.filter(({ shape }) => shape.length <= 1)
  const parameters: ParameterSpec[] = []
  let offset = 0
  let decayed = 0
  for (const { name, shape } of [...matrices, ...vectors]) {
    const size = shape.reduce((product, dimension) => product * dimension, 1)
    parameters.push({ name, shape, offset, size })
    offset += size
    if (shape.length > 1) decayed = offset
  }
  return { parameters, size: offset, decayed }
}
