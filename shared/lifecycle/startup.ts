import { type ReadPage, textPage } from './admin-server.ts'

/**
 * The page of the startup probe: 503 with the reasons while something of the start is under way, 200
 * from its end on, whatever comes later. What may be lacking for long is none of it: a configuration
 * that is missing or wrong makes a process unready, and ending it would not bring a better one.
 */
export function startupPage(waitsFor: () => readonly string[] = () => []): ReadPage {
  let hasStarted = false
  return () => {
    const lacking = hasStarted ? [] : waitsFor()
    hasStarted ||= lacking.length === 0
    return hasStarted
      ? textPage(200, 'started')
      : textPage(503, ['starting', ...lacking].join('\n'))
  }
}

/** What does not hold, in words. */
export function lacking(
  conditions: readonly (readonly [holds: boolean, words: string])[],
): readonly string[] {
  return conditions.flatMap(([holds, words]) => (holds ? [] : [words]))
}
