/** Graphs as functions: numbers in, numbers out. */
import { Graph, GraphError, type Value } from '../graph/index.ts'
import type { ParameterLayout } from '../models/layout.ts'
import { Parameters } from '../models/parameters.ts'
import { checkNames, type Feeds, type InputSpec, type InputSpecs, packFeeds } from './feeds.ts'
import { fromKeys, keysOf } from './records.ts'
import { Session, type SessionOptions } from './session.ts'

export interface FunctionPlan<
  Input extends string,
  Group extends string,
  Output extends string,
> extends SessionOptions {
  /** One size of each input may be a name: it is settled by what is fed. */
  readonly inputs: { readonly [Name in Input]: InputSpec }
  readonly parameters?: { readonly [Name in Group]: ParameterLayout }
  /** Builds the outputs, which are float32. */
  readonly outputs: (
    inputs: { readonly [Name in Input]: Value },
    parameters: { readonly [Name in Group]: Parameters },
  ) => { readonly [Name in Output]: Value }
}

export interface CompiledFunction<Input extends string, Group extends string, Output extends string> {
  /** Throws GraphError for numbers that do not fit. */
  run(
    feeds: Feeds<Input>,
    parameters: { readonly [Name in Group]: Float32Array },
  ): Promise<{ readonly [Name in Output]: Float32Array }>
  close(): Promise<void>
}

/** Builds a graph and compiles it. */
export async function compile<Input extends string, Output extends string, Group extends string = never>(
  plan: FunctionPlan<Input, Group, Output>,
): Promise<CompiledFunction<Input, Group, Output>> {
  const [inputs, groups] = [keysOf(plan.inputs), keysOf(plan.parameters)]
  checkNames([...inputs, ...groups])
  const graph = new Graph('function')
  const layouts: Readonly<Record<string, ParameterLayout>> = plan.parameters ?? {}
  const parameters = fromKeys(groups, (name) => {
    const layout = layouts[name]
    if (layout === undefined) throw new GraphError(`there is no group '${name}'`)
    return new Parameters(graph.input(name, 'float32', [layout.size]), layout)
  })
  const built = plan.outputs(
    fromKeys(inputs, (name) => {
      const { dtype = 'float32', shape }: InputSpec = plan.inputs[name]
      return graph.input(name, dtype, shape)
    }),
    parameters,
  )
  const outputs = keysOf(built)
  for (const name of outputs) {
    const value: Value = built[name]
    if (value.dtype !== 'float32') throw new GraphError(`output '${name}' must be float32, got ${value.toString()}`)
    graph.output(value, `output.${name}`)
  }
  const session = await Session.create(graph, plan)
  const specs: InputSpecs = {
    ...plan.inputs,
    ...fromKeys(groups, (name) => ({ shape: [parameters[name].layout.size] })),
  }
  return {
    run: async (feeds, weights) => {
      const results = await session.run(packFeeds('run', specs, [{ ...feeds, ...weights }], { stacked: false }))
      return fromKeys(outputs, (name) => results.floats(`output.${name}`))
    },
    close: () => session.release(),
  }
}
