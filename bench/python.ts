/** The Python that has the programs compared with. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { UserError } from '../shared/errors.ts'

const PYTHON = process.env['SPARRING_BENCH_PYTHON'] ?? 'python3'

/** The command of bench/peers/<name>. Throws a UserError that says how to get what it imports, if that is missing. */
export function pythonPeer(name: string, modules: readonly string[], args: readonly string[]): [string, string[]] {
  const missing = modules.filter((module) => {
    try {
      execFileSync(PYTHON, ['-c', `import ${module}`], { stdio: 'pipe' })
      return false
    } catch {
      return true
    }
  })
  if (missing.length > 0) {
    throw new UserError(
      `${PYTHON} has no ${missing.join(' and no ')}, which this is compared with`,
      `${PYTHON} -m pip install ${missing.join(' ')}, or name another Python in SPARRING_BENCH_PYTHON`,
    )
  }
  return [PYTHON, [fileURLToPath(new URL(`./peers/${name}`, import.meta.url)), ...args]]
}
