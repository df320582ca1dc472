// Runs the linter and the tests, and ends with one line: `N passed, N failed`. Arguments go to vitest: `npm test -- engine`.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sparring-results-'))
const report = path.join(folder, 'vitest.json')
let interrupted = false

/** Runs a program with our terminal; its exit code, or 1 when a signal ended it. */
function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit' })
    // Ctrl-C reaches the child by itself, as it shares our terminal: we only must not end before it does.
    const ignore = () => (interrupted = true)
    const forward = () => {
      interrupted = true
      child.kill('SIGTERM')
    }
    process.on('SIGINT', ignore).on('SIGTERM', forward).on('SIGHUP', forward)
    child.on('error', reject)
    child.on('exit', (code) => {
      process.off('SIGINT', ignore).off('SIGTERM', forward).off('SIGHUP', forward)
      resolve(code ?? 1)
    })
  })
}

let passed = 0
let failed = 0
try {
  if ((await run('npm', ['run', '--silent', 'lint'])) === 0) passed += 1
  else failed += 1
  if (!interrupted) {
    const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs')
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    const code = await run(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)])
    // Without a report vitest itself fell over; with one, errors outside any test show in the exit code only.
    const result = fs.existsSync(report) ? JSON.parse(fs.readFileSync(report, 'utf8')) : null
    passed += result?.numPassedTests ?? 0
    const broken = (result?.testResults ?? []).filter(
      (file) => file.status === 'failed' && file.assertionResults.length === 0,
    )
    failed += (result?.numFailedTests ?? 0) + broken.length
    if (code !== 0 && failed === 0) failed += 1
    // Test processes that were killed could not take down what they had started.
    if (code !== 0) await run(process.execPath, ['--import', 'tsx', path.join(root, 'tests', 'services', 'sweep.ts')])
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true })
}
if (interrupted) failed += 1
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
