// Entry point of the helper thread (see helper.ts): a thread does not take on the loader of TypeScript of its process.
import { register } from 'tsx/esm/api'

register()
await import('./helper-thread.ts')
