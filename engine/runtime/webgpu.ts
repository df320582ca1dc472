/**
 * What ONNX Runtime's WebGPU provider does not compute of our graphs is written in other operators:
 * - A shader may bind only so many buffers, 8 on every WebGPU device, and the provider gives one to each part of a Split, where our
 *   graphs take a flat vector apart into all parameters of a model. Such a Split becomes Slices.
 * - The second output of SimplifiedLayerNormalization, the inverse root mean square that its gradient needs, is left at zeros
 *   without a word (seen with ONNX Runtime 1.30 on an NVIDIA H100). It is computed by its definition.
 */
import {
  type Attribute,
  type DataType,
  type GraphBody,
  GraphError,
  type Initializer,
  type NodeRecord,
} from '../graph/types.ts'

const MOST_PARTS = 7

/** The same graph in operators that the provider computes. */
export function forWebGpu(graph: GraphBody): GraphBody {
  const added: Initializer[] = []
  const constant = (name: string, dtype: DataType, values: BigInt64Array | Float32Array): string => {
    added.push({ name, dtype, shape: [values.length], data: new Uint8Array(values.buffer) })
    return name
  }
  const index = (name: string, value: number): string => constant(name, 'int64', BigInt64Array.of(BigInt(value)))
  const known = new Map(graph.initializers.map((initializer) => [initializer.name, initializer]))
  const sizesOf = (name: string | undefined): number[] => {
    const data = known.get(name ?? '')?.data
    if (!(data instanceof Uint8Array)) throw new GraphError(`the sizes ${name} of a Split are no constant`)
    return Array.from(new BigInt64Array(data.buffer, data.byteOffset, data.length / 8), Number)
  }
  const slices = ({ inputs: [x = '', sizes], outputs, attributes: { axis } }: NodeRecord): NodeRecord[] => {
    let end = 0
    return sizesOf(sizes).map((size, part) => {
      const output = outputs[part] ?? ''
      const bounds = [index(`${output}.from`, end), index(`${output}.to`, end + size)]
      end += size
      const axes = index(`${output}.axis`, axis !== undefined && 'int' in axis ? axis.int : 0)
      return { op: 'Slice', domain: '', inputs: [x, ...bounds, axes], outputs: [output], attributes: {} }
    })
  }
  const normalisation = (node: NodeRecord): NodeRecord[] => {
    const [x = ''] = node.inputs
    const [result = '', inverse = ''] = node.outputs
    const { epsilon } = node.attributes
    const least = epsilon !== undefined && 'float' in epsilon ? epsilon.float : 0
    const step = (op: string, inputs: readonly string[], attributes: NodeRecord['attributes'] = {}): NodeRecord => {
      const output = op === 'Reciprocal' ? inverse : `${inverse}.${op}`
      return { op, domain: '', inputs, outputs: [output], attributes }
    }
    return [
      { ...node, outputs: [result] },
      step('Mul', [x, x]),
      step('ReduceMean', [`${inverse}.Mul`, index(`${inverse}.axis`, -1)], { keepdims: { int: 1 } }),
      step('Add', [`${inverse}.ReduceMean`, constant(`${inverse}.epsilon`, 'float32', Float32Array.of(least))]),
      step('Sqrt', [`${inverse}.Add`]),
      step('Reciprocal', [`${inverse}.Sqrt`]),
    ]
  }
  const rewritten = (body: GraphBody): GraphBody => ({ ...fieldsOf(body), nodes: body.nodes.flatMap(rewrite) })
  const rewrite = (node: NodeRecord): NodeRecord[] => {
    if (node.op === 'Split' && node.outputs.length > MOST_PARTS) return slices(node)
    if (node.op === 'SimplifiedLayerNormalization' && node.outputs.length > 1) return normalisation(node)
    const attributes = Object.entries(node.attributes).map(([name, attribute]): [string, Attribute] =>
      'graph' in attribute ? [name, { graph: rewritten(attribute.graph) }] : [name, attribute],
    )
    return [{ ...node, attributes: Object.fromEntries(attributes) }]
  }
  const result = rewritten(graph)
  return { ...result, initializers: [...graph.initializers, ...added] }
}

function fieldsOf({ name, nodes, inputs, outputs, values, initializers }: GraphBody): GraphBody {
  return { name, nodes, inputs, outputs, values, initializers }
}
