import type { CommandCall, Outcome } from '../command.ts'
import { CommandFailure, exits, misuse } from '../terminal/failure.ts'
import { type Answer, askAmbassadors, firstAdminPort } from './ask-ambassadors.ts'
import { askCluster } from './ask-cluster.ts'
import { decisionText } from './decision-text.ts'
import { forwardBy } from './kubectl-forward.ts'

/** `outrigger explain call`: why a call went where it did. */
export async function explainCall(call: CommandCall): Promise<Outcome> {
  const [id = ''] = call.operands
  if (!/^[\w-]{1,64}$/.test(id)) {
    throw misuse(`'${id}' is no id of a call.`, 'Take it from the header x-outrigger-call.')
  }
  const admin = call.options.text('admin')
  const near = await askAmbassadors(id, admin)
  // A machine with ambassadors of its own is asked about them.
  const isOver = near.kind === 'found' || near.kind === 'unknown' || admin !== undefined
  const answer = isOver ? near : ((await inCluster(id, call)) ?? near)
  if (answer.kind !== 'found') throw failureOf(answer.kind, id, admin)
  return {
    exit: exits.ok,
    text: answer.call.decisions.map(decisionText).join('\nThe call was sent again.\n\n'),
    data: answer.call,
  }
}

/** Undefined where there is no cluster, or no ambassador in it. */
async function inCluster(id: string, call: CommandCall): Promise<Answer | undefined> {
  let cluster
  try {
    cluster = await call.cluster()
  } catch (error) {
    // Whoever works on one machine has none: it was asked before.
    if (error instanceof CommandFailure) return undefined
    throw error
  }
  const flags = ['kubeconfig', 'context'].flatMap((name) => {
    const value = call.options.text(name)
    return value === undefined ? [] : [`--${name}`, value]
  })
  return askCluster(id, cluster, forwardBy({ environment: call.terminal.environment, flags }))
}

function failureOf(
  kind: Exclude<Answer['kind'], 'found'>,
  id: string,
  admin: string | undefined,
): CommandFailure {
  if (kind === 'unknown') {
    return new CommandFailure(`No ambassador that was asked knows the call '${id}'.`, {
      exit: exits.found,
      remedy:
        'Each remembers its last 1,024 decisions about vLLM pools. Take the id from the answer’s header x-outrigger-call.',
    })
  }
  const whom = admin ?? `127.0.0.1:${firstAdminPort} and the ports of further ambassadors`
  const why =
    kind === 'other' ? `What answers at ${whom} is no ambassador.` : `Nobody answers at ${whom}.`
  return new CommandFailure(why, {
    exit: exits.unreachable,
    remedy:
      'Start the pair, name the admin port (--admin HOST:PORT), or a cluster (--context NAME).',
  })
}
