import assert from 'node:assert/strict'
import { isJsonObject } from '#shared/kubernetes/kubernetes-object.ts'

/** Applies a patch by the rules of RFC 6902, written from its text; throws where one fails. */
export function applyPatch(document: unknown, patch: unknown): unknown {
  const holder: Record<string, unknown> = { root: structuredClone(document) }
  assert.ok(Array.isArray(patch), 'a patch is a list')
  for (const operation of patch) {
    assert.ok(isJsonObject(operation) && typeof operation['path'] === 'string')
    const { op, path, from, value } = operation
    if (op === 'test') assert.deepEqual(valueAt(holder, path), value)
    else if (op === 'add') put(holder, path, structuredClone(value))
    else if (op === 'remove') take(holder, path)
    else if (op === 'replace') {
      take(holder, path)
      put(holder, path, structuredClone(value))
    } else if (op === 'move') put(holder, path, take(holder, from))
    else if (op === 'copy') put(holder, path, structuredClone(valueAt(holder, from)))
    else assert.fail(`unknown operation ${String(op)}`)
  }
  return holder['root']
}

type Container = Record<string, unknown> | unknown[]

/** RFC 6901: `~1` before `~0`, or `~01` would become a slash. */
function tokensOf(pointer: unknown): string[] {
  assert.ok(typeof pointer === 'string' && (pointer === '' || pointer.startsWith('/')))
  const tokens = pointer.split('/').slice(1)
  return ['root', ...tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))]
}

/** What holds the pointer's last token, and that token. */
function reach(holder: Container, pointer: unknown): [Container, string] {
  const tokens = tokensOf(pointer)
  let at = holder
  for (const token of tokens.slice(0, -1)) {
    const next = memberOf(at, token)
    assert.ok(typeof next === 'object' && next !== null, `nothing at ${token}`)
    at = isList(next) ? next : recordOf(next)
  }
  return [at, tokens.at(-1) ?? '']
}

const isList = (value: unknown): value is unknown[] => Array.isArray(value)

function recordOf(value: object): Record<string, unknown> {
  const isRecord = (it: object): it is Record<string, unknown> => !Array.isArray(it)
  assert.ok(isRecord(value))
  return value
}

function memberOf(at: Container, token: string): unknown {
  if (isList(at)) return at[indexOf(at, token, at.length - 1)]
  assert.ok(Object.hasOwn(at, token), `nothing at ${token}`)
  return at[token]
}

function indexOf(list: unknown[], token: string, most: number): number {
  if (token === '-') return list.length
  assert.match(token, /^(?:0|[1-9]\d*)$/)
  assert.ok(Number(token) <= most, `no element ${token}`)
  return Number(token)
}

function valueAt(holder: Container, pointer: unknown): unknown {
  const [at, token] = reach(holder, pointer)
  return memberOf(at, token)
}

function put(holder: Container, pointer: unknown, value: unknown): void {
  const [at, token] = reach(holder, pointer)
  if (isList(at)) at.splice(indexOf(at, token, at.length), 0, value)
  else Object.defineProperty(at, token, { value, ...writable })
}

/** Defined, not assigned: `__proto__` is a name like any other in JSON. */
const writable = { enumerable: true, configurable: true, writable: true }

function take(holder: Container, pointer: unknown): unknown {
  const [at, token] = reach(holder, pointer)
  const value = memberOf(at, token)
  if (isList(at)) at.splice(Number(token), 1)
  else delete at[token]
  return value
}
