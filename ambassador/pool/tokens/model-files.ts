import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type LoadedTable, loadTable } from '#shared/tokens/hugging-face/load-tokenizer.ts'
import type { ChatTemplate } from './chat-template.ts'
import { isList, isObject, type Json } from './json.ts'

/** Where a model's own files are. */
export interface ModelPaths {
  /** Its tokenizer.json, or the table that was made of one. */
  readonly tokenizer: string
  /**
   * A file of Jinja, or a JSON with `chat_template`. Undefined: `chat_template.jinja` or
   * `tokenizer_config.json` beside the tokenizer, where they are there.
   */
  readonly chatTemplate?: string | undefined
}

/** What they hold. */
export interface ModelFiles {
  readonly table: LoadedTable
  readonly template: ChatTemplate | undefined
  /** `bos_token` and its like by name. */
  readonly tokens: Json
}

/** Makes a template of its source: {@link compileTemplate}. Throws for what it cannot read. */
export type CompileTemplate = (source: string) => ChatTemplate

/**
 * Reads a model's files. Rejects with `TokenizerFileError`, as the template does not compile, or as a
 * file that was named cannot be read.
 */
export async function readModelFiles(
  paths: ModelPaths,
  compile: CompileTemplate,
): Promise<ModelFiles> {
  const table = await loadTable(paths.tokenizer)
  const folder = dirname(paths.tokenizer)
  const config = jsonOf((await readIfThere(join(folder, 'tokenizer_config.json'))) ?? '')
  const named =
    paths.chatTemplate === undefined
      ? await readIfThere(join(folder, 'chat_template.jinja'))
      : await read(paths.chatTemplate)
  return { table, template: templateOf(named, config, compile), tokens: tokensOf(config) }
}

function templateOf(
  named: string | undefined,
  config: Json,
  compile: CompileTemplate,
): ChatTemplate | undefined {
  if (named === undefined) return compileAny(config['chat_template'], compile)
  const { chat_template: inside } = jsonOf(named)
  return inside === undefined ? compile(named) : compileAny(inside, compile)
}

/** One template, or several with names, of which a server takes `tool_use` where there are tools. */
function compileAny(source: unknown, compile: CompileTemplate): ChatTemplate | undefined {
  if (typeof source === 'string') return compile(source)
  if (!isList(source)) return undefined
  const byName = (wanted: string) => {
    const found = source.filter(isObject).find(({ name }) => name === wanted)?.['template']
    return typeof found === 'string' ? compile(found) : undefined
  }
  const usual = byName('default')
  const withTools = byName('tool_use') ?? usual
  if (usual === undefined || withTools === undefined) return undefined
  return {
    render: (variables) => (variables['tools'] === undefined ? usual : withTools).render(variables),
  }
}

/** Templates write them by name; each is a text or an object with one. */
function tokensOf(config: Json): Json {
  const tokens: Record<string, string> = {}
  for (const [name, value] of Object.entries(config)) {
    const text = isObject(value) ? value['content'] : value
    if (name.endsWith('_token') && typeof text === 'string') tokens[name] = text
  }
  return tokens
}

function jsonOf(text: string): Json {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : {}
  } catch {
    // A template is no JSON; a broken file has no members.
    return {}
  }
}

/** The largest published have 9 MB: every added token is in them. */
const fileBytesMax = 16 * 1024 * 1024

async function read(path: string): Promise<string> {
  const { size } = await stat(path)
  if (size <= fileBytesMax) return readFile(path, 'utf8')
  throw new Error(`Cannot use "${path}": ${size} bytes, more than ${fileBytesMax}`)
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await read(path)
  } catch {
    // It is looked for, not asked for.
    return undefined
  }
}
