/** Where graphs run. The bytes of results depend on it, so a device belongs to a plan. */
import type { InferenceSession } from 'onnxruntime-node'

/** `cuda:1` is the second CUDA device. */
export type Device = 'cpu' | 'webgpu' | 'cuda' | `cuda:${number}`

/** A device that ONNX Runtime cannot use here. */
export class DeviceError extends Error {
  override readonly name = 'DeviceError'
}

export function isDevice(text: string): text is Device {
  return /^(cpu|webgpu|cuda(:\d+)?)$/.test(text)
}

/** Operators that a device cannot run fall back to the CPU, which is why it always comes last. */
export function providersOf(device: Device): InferenceSession.ExecutionProviderConfig[] {
  if (device === 'cpu' || device === 'webgpu') return [...new Set([device, 'cpu'])]
  return [{ name: 'cuda', deviceId: Number(device.split(':')[1] ?? 0) }, 'cpu']
}

/** Says what is missing, and how to get it. */
export function deviceError(device: Device, error: Error): DeviceError {
  const [why = ''] = error.message.split('\n')
  return new DeviceError(`device ${device}: ${why}. ${remedyOf(device, error.message)}`)
}

const CUDA_INSTALL = '`ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js`'

function remedyOf(device: Device, message: string): string {
  const otherwise = 'Or take the CPU: `device: cpu`'
  if (device === 'webgpu') {
    return `WebGPU needs a GPU with a Vulkan driver and the Vulkan loader (Debian: libvulkan1), Metal or Direct3D 12. ${otherwise}`
  }
  if (/load shared library|cannot open shared object|unsupported/i.test(message)) {
    return `The CUDA parts are not in the npm package. On Linux x64 with CUDA 12 and cuDNN 9: ${CUDA_INSTALL}. ${otherwise}`
  }
  return `\`nvidia-smi\` lists the CUDA devices and their driver. ${otherwise}`
}
