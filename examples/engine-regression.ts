/** A small network learns the sine function: `npx tsx examples/engine-regression.ts`. */
import { adamw, buildTrainer, compile, losses, network } from 'sparring/engine'

const net = network({ kind: 'mlp', inputs: 1, hidden: [32, 32], outputs: 1, activation: 'tanh' })
const rows = 64

const trainer = await buildTrainer({
  inputs: { x: { shape: [rows, 1] }, y: { shape: [rows, 1] } },
  parameters: { net: { layout: net.layout, initial: net.initialise('sine'), optimizer: adamw(5e-3) } },
  loss: ({ x, y }, parameters) => losses.meanSquaredError(net.forward(parameters.net, x), y),
})
/** 64 points on [-π, π], different ones at each step. */
const batch = (step: number): { x: number[]; y: number[] } => {
  const x = Array.from({ length: rows }, (_, row) => Math.PI * (2 * ((row * 0.618 + step * 0.414) % 1) - 1))
  return { x, y: x.map(Math.sin) }
}
for (let call = 0; call < 6; call++) {
  const steps = await trainer.step(Array.from({ length: 50 }, (_, index) => batch(50 * call + index)))
  console.log(`step ${steps.at(-1)?.step}: loss ${steps.at(-1)?.losses.net?.toExponential(1)}`)
}

const predict = await compile({
  inputs: { x: { shape: ['points', 1] } },
  parameters: { net: net.layout },
  outputs: ({ x }, parameters) => ({ y: net.forward(parameters.net, x) }),
})
const points = [-2, -1, 0, 1, 2]
const { y } = await predict.run({ x: points }, { net: trainer.weights('net') })
for (const [index, x] of points.entries()) console.log(`sin ${x} = ${Math.sin(x).toFixed(2)}, ${y[index]?.toFixed(2)}`)
await trainer.close()
await predict.close()
