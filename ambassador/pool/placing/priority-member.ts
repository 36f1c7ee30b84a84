/** vLLM reads any integer; whoever stores it in 32 bits on the way keeps the order all the same. */
const most = 2 ** 31 - 1
const least = -(2 ** 31)

/**
 * The body’s `priority` as JSON: vLLM takes the smaller one sooner where it runs with
 * `--scheduling-policy priority`. Never 0, which is what a call without one has.
 */
export function priorityMember(priority: number): string {
  const whole = Math.min(most, Math.max(least, Math.round(priority)))
  return String(whole === 0 ? 1 : whole)
}
