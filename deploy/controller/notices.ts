import type { Problem } from '#shared/config/load.ts'
import type { Notice } from '#shared/kubernetes/report.ts'

/** Beyond these a person mends the first ones first. */
const keysMax = 10

/** One notice for each bad key, in the order of the file, and one for what is left. */
export function noticesOf(problems: readonly Problem[]): Notice[] {
  const notices = problems.slice(0, keysMax).map(({ path, message, suggestion, line }) => {
    const at = line === undefined ? '' : `line ${line}: `
    const hint = suggestion === undefined ? '' : `; did you mean ${JSON.stringify(suggestion)}?`
    const text = `${at}${path === '' ? message : `${path} ${message}`}${hint}`
    return { type: 'Warning' as const, reason: 'ConfigurationRefused', message: text }
  })
  const more = problems.length - keysMax
  if (more <= 0) return notices
  const message = `and ${more} more; \`outrigger config check\` names them all`
  return [...notices, { type: 'Warning', reason: 'ConfigurationRefused', message }]
}
