import { type Document, isCollection, isSeq, parseDocument, stringify } from 'yaml'
import { isEqual } from '#deploy/inject/json.ts'
import { type PatchOperation, patchBetween } from '#deploy/inject/patch.ts'
import { misuse } from '../terminal/failure.ts'

/** One document of a manifest: its value, and the text that it becomes with another. */
export interface ManifestDocument {
  readonly value: unknown
  /** The very text where `value` is the same, else in the form it was written in. */
  readonly withValue: (value: unknown) => string
}

/**
 * The documents of `text` (YAML with `---` between them, or JSON), whose texts in a row are `text`.
 * `where` names the file in errors. Throws `CommandFailure` with the line of what is no YAML.
 */
export function readDocuments(text: string, where: string): ManifestDocument[] {
  const json = jsonDocument(text)
  if (json !== undefined) return [json]
  let line = 1
  return partsOf(text).map((part) => {
    const document = yamlDocument(part, where, line)
    line += part.split('\n').length - 1
    return document
  })
}

/** Cut before each marker: nothing inside a document may begin a line with it (YAML 1.2, 9.1.2). */
function partsOf(text: string): string[] {
  return text.split(/^(?=---(?:\s|$))/m)
}

function jsonDocument(text: string): ManifestDocument | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    const value: unknown = JSON.parse(text)
    const indent = /\n([ \t]+)"/.exec(text)?.[1]
    const withValue = (changed: unknown) =>
      isEqual(value, changed) ? text : `${JSON.stringify(changed, undefined, indent)}\n`
    return { value, withValue }
  } catch {
    // YAML in flow style begins alike.
    return undefined
  }
}

function yamlDocument(text: string, where: string, firstLine: number): ManifestDocument {
  const document = parse(text)
  const [error] = document.errors
  if (error !== undefined) {
    const before = text.slice(0, error.pos[0]).split('\n').length - 1
    // Behind the colon the parser quotes the file.
    const reason = /^[^\n:;]*/.exec(error.message)?.[0] ?? ''
    throw misuse(
      `Cannot read ${where}, line ${firstLine + before}: ${reason}.`,
      'Correct the manifest; kubectl would refuse it as well.',
    )
  }
  const value: unknown = document.toJS()
  const withValue = (changed: unknown) =>
    isEqual(value, changed) ? text : edited(document, text, { value, changed })
  return { value, withValue }
}

/**
 * As Kubernetes reads YAML, by the rules of 1.1: 0644 is octal and `on` is true. Not its dates and
 * its numbers to the base of 60, which are text there.
 */
function parse(text: string): Document {
  return parseDocument(text, {
    version: '1.1',
    prettyErrors: false,
    customTags: (tags) =>
      tags.filter((tag) => {
        if (typeof tag !== 'object') return tag !== 'timestamp'
        const isTime = 'format' in tag && tag.format === 'TIME'
        return !isTime && tag.tag !== 'tag:yaml.org,2002:timestamp'
      }),
  })
}

/** With the changes alone where the document can take them, else written anew. */
function edited(
  document: Document,
  text: string,
  { value, changed }: { value: unknown; changed: unknown },
): string {
  const form = {
    lineWidth: 0,
    indentSeq: !hasFlatLists(text),
    flowCollectionPadding: !/: *\{[^\s}]/.test(text),
  }
  try {
    for (const operation of patchBetween(value, changed)) apply(document, operation)
    const written = document.toString(form)
    if (isEqual(parse(written).toJS(), changed)) return written
  } catch {
    // What hangs on an anchor cannot be changed in one place alone.
  }
  const marker = text.startsWith('---') ? '---\n' : ''
  return marker + stringify(changed, { ...form, version: '1.1', aliasDuplicateObjects: false })
}

/** Whether lists stand right below their keys, as kubectl writes them. */
function hasFlatLists(text: string): boolean {
  return /^( *)[^\s#-][^\n]*:[ ]*\n\1- /m.test(text)
}

function apply(document: Document, operation: PatchOperation): void {
  const path = operation.path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  if (operation.op === 'remove') {
    document.deleteIn(path)
    return
  }
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  if (!isCollection(parent)) throw new Error(`no collection above ${operation.path}`)
  const node = document.createNode(operation.value, { aliasDuplicateObjects: false })
  const last = path.at(-1) ?? ''
  if (operation.op === 'add' && isSeq(parent)) parent.items.splice(Number(last), 0, node)
  else parent.set(isSeq(parent) ? Number(last) : last, node)
}
