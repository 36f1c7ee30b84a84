import { pathToFileURL } from 'node:url'

/**
 * Flags by which Node finds `host` at the address in `file`: the suite has no DNS. The address is
 * read with each question, since pods move.
 */
export function resolving(host: string, file: string): readonly string[] {
  const hook = `
import dns from 'node:dns'
import { readFileSync } from 'node:fs'
const own = dns.lookup
dns.lookup = (name, options, done = options) => {
  if (name !== ${JSON.stringify(host)}) return own(name, options, done)
  const address = readFileSync(new URL(${JSON.stringify(pathToFileURL(file).href)}), 'utf8')
  process.nextTick(done, null, ...(options.all ? [[{ address, family: 4 }]] : [address, 4]))
}`
  return ['--import', `data:text/javascript,${encodeURIComponent(hook)}`]
}
