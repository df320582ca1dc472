/** Graph → bytes of an ONNX model. */
import path from 'node:path'
import { Graph } from './graph.ts'
import { ModelProto } from './schema.ts'
import {
  type Attribute,
  DATA_TYPE_CODES,
  type GraphBody,
  GraphError,
  type Initializer,
  type NodeRecord,
  type TypedName,
} from './types.ts'

/** AttributeProto.AttributeType codes. */
const ATTRIBUTE_TYPES = { float: 1, int: 2, string: 3, graph: 5, ints: 7 } as const

/** TensorProto.DataLocation of data in a file. */
const EXTERNAL = 1

/** Of protobuf, in bytes. */
const LARGEST_MESSAGE = 2 ** 31

/** Operator set 21 is the newest whose Split, Reduce* and Softmax forms are the ones written here; IR 10 belongs to it. */
const OPERATOR_SETS = [
  { domain: '', version: 21 },
  { domain: 'com.microsoft', version: 1 },
]

/** The bytes of a ModelProto of an outermost graph. The same graph gives the same bytes. */
export function serialise(graph: GraphBody): Uint8Array {
  if (graph instanceof Graph && graph.parent !== null) throw new GraphError('only an outermost graph can be serialised')
  const stored = graph.initializers.reduce((sum, { data }) => sum + (data instanceof Uint8Array ? data.length : 0), 0)
  if (stored >= LARGEST_MESSAGE) {
    const size = `${(stored / 2 ** 30).toFixed(1)} GiB`
    throw new GraphError(
      `${graph.name} holds ${size} of weights, and an ONNX model at most 2: write them to a file and hand over openWeights(model, file)`,
    )
  }
  const message = ModelProto.fromObject({
    irVersion: 10,
    producerName: 'sparring',
    graph: graphProto(graph),
    opsetImport: OPERATOR_SETS,
  })
  return ModelProto.encode(message).finish()
}

/**
 * With the shape of every value: ONNX Runtime infers some of them, but not through a Reshape of named sizes, and its memory planner
 * compares each buffer of unknown size with all others, which took most of the time of compiling a large training graph.
 */
function graphProto(graph: GraphBody): object {
  const outputs = new Set(graph.outputs.map(({ name }) => name))
  return {
    name: graph.name,
    node: graph.nodes.map(nodeProto),
    initializer: graph.initializers.map(tensorProto),
    input: graph.inputs.map(valueInfoProto),
    output: graph.outputs.map(valueInfoProto),
    valueInfo: graph.values.filter(({ name }) => !outputs.has(name)).map(valueInfoProto),
  }
}

function nodeProto(node: NodeRecord): object {
  return {
    input: node.inputs,
    output: node.outputs,
    name: node.outputs[0] ?? '',
    opType: node.op,
    domain: node.domain,
    attribute: Object.entries(node.attributes).map(([name, attribute]) => attributeProto(name, attribute)),
  }
}

function attributeProto(name: string, attribute: Attribute): object {
  if ('int' in attribute) return { name, i: attribute.int, type: ATTRIBUTE_TYPES.int }
  if ('float' in attribute) return { name, f: attribute.float, type: ATTRIBUTE_TYPES.float }
  if ('ints' in attribute) return { name, ints: attribute.ints, type: ATTRIBUTE_TYPES.ints }
  if ('string' in attribute) return { name, s: Buffer.from(attribute.string), type: ATTRIBUTE_TYPES.string }
  return { name, g: graphProto(attribute.graph), type: ATTRIBUTE_TYPES.graph }
}

function tensorProto({ name, dtype, shape, data }: Initializer): object {
  const tensor = { dims: shape, dataType: DATA_TYPE_CODES[dtype], name }
  if (data instanceof Uint8Array) return { ...tensor, rawData: data }
  const place = { location: path.basename(data.path), offset: data.offset, length: data.bytes }
  const externalData = Object.entries(place).map(([key, value]) => ({ key, value: String(value) }))
  return { ...tensor, dataLocation: EXTERNAL, externalData }
}

/** The folder of the files that initializers lie in, if any do. Throws GraphError for several folders. */
export function filesFolder({ initializers }: GraphBody): string | undefined {
  const files = initializers.flatMap(({ data }) => (data instanceof Uint8Array ? [] : [path.dirname(data.path)]))
  const [folder, other] = new Set(files)
  if (other !== undefined) throw new GraphError(`initializers lie in ${folder} and in ${other}, and not in one folder`)
  return folder
}

function valueInfoProto({ name, dtype, shape }: TypedName): object {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }))
  return { name, type: { tensorType: { elemType: DATA_TYPE_CODES[dtype], shape: { dim } } } }
}
