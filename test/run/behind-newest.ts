import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { capture, root } from './command.ts'

/** Majors that cannot be taken yet, each with its reason. */
const held: Readonly<Record<string, string>> = {}

/**
 * Names every dependency behind its newest major: 1 when there is one. Without a registry nothing
 * can be said, which is said, and passes.
 */
export function behindNewest(): number {
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  let code = 0
  for (const [name, version] of dependencies(manifest)) {
    if (name in held) continue
    const { code: status, text } = capture('npm', ['view', name, 'version', '--loglevel=silent'])
    const newest = text.trim().split('\n').at(-1) ?? ''
    if (status !== 0 || !/^\d+\.\d+\.\d+/.test(newest)) {
      process.stdout.write(`${name}: the registry gave no version, not compared\n`)
    } else if (line(newest) !== line(version)) {
      process.stdout.write(`${name}: ${version} is behind ${newest}\n`)
      code = 1
    }
  }
  return code
}

function dependencies(manifest: unknown): [string, string][] {
  if (typeof manifest !== 'object' || manifest === null) return []
  const groups = Object.entries(manifest).filter(([key]) =>
    /^(dev|optional)?dependencies$/i.test(key),
  )
  return groups.flatMap(([, group]) => (isRecord(group) ? Object.entries(group) : []))
}

function isRecord(value: unknown): value is Record<string, string> {
  return typeof value === 'object' && value !== null
}

/** What may break: the major, or the minor below 1.0.0. */
function line(version: string): string {
  const [major = '', minor = ''] = version.split('.')
  return major === '0' ? `0.${minor}` : major
}
