import type { PlannedDouble } from './doubles.ts'

/** What the calls below are made of. */
export interface TryIt {
  /** Of the sidecar. */
  readonly port: number
  /** A model whose first target is `double`, in OpenAI's dialect. */
  readonly model: string
  readonly double: PlannedDouble
  /** Of the double's ambassador. */
  readonly ambassadorPort: number
}

/** Calls to paste, one after another: what becomes of a call where a provider misbehaves. */
export function tryIt({ port, model, double, ambassadorPort }: TryIt): string {
  const { provider } = double
  const [probes, admin] = [ambassadorPort + 1, ambassadorPort + 2]
  const body = JSON.stringify({
    model,
    stream: true,
    messages: [{ role: 'user', content: 'Say hello' }],
  })
  const url = `http://127.0.0.1:${port}/v1/chat/completions`
  const call = `curl -s ${url} -H 'content-type: application/json' -d '${body}'`
  const heads = "grep -iE '^(HTTP|x-outrigger-(provider|attempts|passed-over))'"
  const told = '%{http_code} %header{x-outrigger-provider} %header{x-outrigger-passed-over}'
  const timed = `${call} -o /dev/null -w '%{time_total} s ${told}\\n'`
  const script = (instruction: object) =>
    `curl -s http://127.0.0.1:${double.port}/sim/script -d '${JSON.stringify(instruction)}'`
  const burst = Math.ceil(1.5 * double.keys.length * (double.manners['rpm'] ?? 60))
  return [
    ['Who answers', `${call} -i | ${heads}`],
    [
      `'${provider}' goes silent: the call goes on when the next target's turn has come`,
      `${script({ always: 'stall-head' })}\n${timed}`,
    ],
    [
      'It fails: after the first calls its breakers are open, and only a probe is sent now and then',
      `${script({ always: 'status=500' })}\nfor i in $(seq 10); do ${timed}; done`,
    ],
    ['Breakers, limits and waits of its ambassador', `curl -s http://127.0.0.1:${admin}/statusz`],
    ['It is well again', script({ clear: true })],
    [
      `${burst} calls at once, more than its account takes in a minute: some wait, some go on`,
      `(for i in $(seq ${burst}); do ${call} -o /dev/null -w '${told}\\n' & done; wait) | sort | uniq -c`,
    ],
    [
      'What it has counted itself, and what its ambassador did',
      `curl -s http://127.0.0.1:${double.port}/sim/statistics\n` +
        `curl -s http://127.0.0.1:${probes}/metrics | grep -E 'attempts_total|breaker|waiting'`,
    ],
  ]
    .map(([title, text]) => `# ${title}\n${text}`)
    .join('\n\n')
}
