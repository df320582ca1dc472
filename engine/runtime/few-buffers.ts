/**
 * A shader may bind only so many buffers, 8 on every WebGPU device, and ONNX Runtime's WebGPU provider gives one to each part of a
 * Split, where our graphs take a flat vector apart into all parameters of a model. This pass writes such a Split as Slices.
 */
import { type Attribute, type GraphBody, GraphError, type Initializer, type NodeRecord } from '../graph/types.ts'

const MOST_PARTS = 7

/** The same graph without Splits into many parts. */
export function withFewBuffers(graph: GraphBody): GraphBody {
  const added: Initializer[] = []
  const constant = (name: string, value: number): string => {
    added.push({ name, dtype: 'int64', shape: [1], data: new Uint8Array(BigInt64Array.of(BigInt(value)).buffer) })
    return name
  }
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
      const bounds = [constant(`${output}.from`, end), constant(`${output}.to`, end + size)]
      end += size
      const axes = constant(`${output}.axis`, axis !== undefined && 'int' in axis ? axis.int : 0)
      return { op: 'Slice', domain: '', inputs: [x, ...bounds, axes], outputs: [output], attributes: {} }
    })
  }
  const rewritten = (body: GraphBody): GraphBody => ({ ...fieldsOf(body), nodes: body.nodes.flatMap(rewrite) })
  const rewrite = (node: NodeRecord): NodeRecord[] => {
    if (node.op === 'Split' && node.outputs.length > MOST_PARTS) return slices(node)
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
