/** A run's configuration from a YAML file and --set overrides; every complaint names the file, the line or the field. */
import fs from 'node:fs'
import path from 'node:path'
import { type Document, isMap, LineCounter, parse, parseDocument } from 'yaml'
import { parseConfig } from '../client.ts'
import { recipeOf } from '../recipes/registry.ts'
import type { Branch } from '../shared/contract.ts'
import { messageOf, UserError } from '../shared/errors.ts'
import { isAdopted } from '../shared/models.ts'
import type { BaseConfig } from '../shared/recipe.ts'
import { models, modelsFolder } from './model-files.ts'

export interface RunFile {
  /** The name the run gets unless --name says otherwise: the file's own. */
  name: string
  source: string
  /** As written, with the overrides. */
  given: unknown
  /** Checked, with every default. */
  config: BaseConfig
  /** Another run's finished round to begin behind. */
  branch?: Branch
}

/** A YAML file that holds fields; every complaint names its place. `example`: a file of this repository to start from. */
export function readDocument(file: string, example: string): Document {
  const lines = new LineCounter()
  const document = parseDocument(readText(file), { lineCounter: lines, prettyErrors: false })
  const [problem] = [...document.errors, ...document.warnings]
  if (problem) {
    const { line, col } = lines.linePos(problem.pos[0])
    throw new UserError(`${file}, line ${line}, column ${col}: ${problem.message}`, `mend that line of ${file}`)
  }
  if (isMap(document.contents)) return document
  throw new UserError(`${file} holds no fields`, `${example} is one to start from`)
}

export function readRunFile(file: string, overrides: readonly string[] = []): RunFile {
  const document = readDocument(file, 'examples/spc.yaml')
  for (const override of overrides) {
    const { field, value } = readOverride(override)
    try {
      document.setIn(field.split('.'), document.createNode(value)) // a node, as a path may go on into it
    } catch (error) {
      throw new UserError(
        `--set ${override}: ${field} cannot be set: ${messageOf(error)}`,
        'name a field as it stands in the run file, e.g. --set play.problems=100',
      )
    }
  }
  const source = overrides.length > 0 ? `${file} with --set` : file
  return {
    name: path
      .basename(file)
      .replace(/\.[^.]*$/, '')
      .toLowerCase(),
    source: file,
    ...located(document, source),
  }
}

/** What a run file says, with the models and files that it names by their whole paths. */
export function located(document: Document, source: string): Pick<RunFile, 'given' | 'config'> {
  for (const [field, named] of namedFiles(parseConfig(document.toJS(), source).config)) {
    document.setIn(field.split('.'), named)
  }
  const given: unknown = document.toJS()
  return { given, config: parseConfig(given, source).config }
}

/**
 * The fields that name a model or a file, with where it is: workers look for it from elsewhere, so paths are made absolute. A model
 * that `sparring model fetch` has fetched goes by its name.
 */
function namedFiles(config: BaseConfig): [field: string, file: string][] {
  const files = recipeOf(config.recipe).files(config)
  const model = isAdopted(config.model) ? [['model.from', modelFile(config.model.from)] as const] : []
  const named = [...model, ...files.map(({ field, file }) => [field, path.resolve(file)] as const)]
  for (const [field, file] of named) {
    if (!fs.existsSync(file))
      throw new UserError(
        `${field}: there is no ${file}`,
        `set it with --set ${field}=<path>, from where you are or in full`,
      )
  }
  return named.map(([field, file]) => [field, file])
}

export function modelFile(from: string): string {
  const known = fs.existsSync(from) || !Object.hasOwn(models, from) ? undefined : models[from]
  if (known === undefined) return path.resolve(from)
  const file = path.join(modelsFolder(), known.file)
  if (fs.existsSync(file)) return file
  throw new UserError(`model.from: ${from} has not been fetched`, `\`sparring model fetch ${from}\` fetches it`)
}

/** `<run>@<round>`, or `<run>` alone for its round 0. */
export function readBranch(text: string): Branch {
  const [, run, round = '0'] = /^([^@]+)(?:@(\d+))?$/.exec(text) ?? []
  if (run !== undefined) return { run, round: Number(round) }
  throw new UserError(`--from ${text} names no round of a run`, 'write, for example, --from spc or --from spc@1')
}

/** `a.b=c`, where c is read as YAML: 3 is a number, true a truth value, [1, 2] a list. */
function readOverride(override: string): { field: string; value: unknown } {
  const [, field, text] = /^([\w-]+(?:\.[\w-]+)*)=(.*)$/s.exec(override) ?? []
  if (field === undefined || text === undefined) {
    throw new UserError(
      `--set ${override} is not of the form field=value`,
      'write, for example, --set play.problems=100',
    )
  }
  return { field, value: readValue(text, `--set ${override}`) }
}

/** A value as it would stand in a run file. */
export function readValue(text: string, source: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    throw new UserError(
      `${source}: the value cannot be read: ${messageOf(error).split('\n')[0]}`,
      'write it as it would stand in a run file, in quotes where the shell needs them',
    )
  }
}

export function readText(file: string): string {
  try {
    return fs.readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? reasons[String(error.code)] : undefined
    throw new UserError(
      `${file} cannot be read: ${why ?? messageOf(error)}`,
      'check the name and the rights of the file; examples/ holds run files to start from',
    )
  }
}
const reasons: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is no folder',
}
