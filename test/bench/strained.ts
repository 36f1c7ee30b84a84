import { once } from 'node:events'
import * as v from 'valibot'
import { type Process, startOwn } from './processes.ts'
import { type ProviderOrder, type ProviderReply, providerReplySchema } from './strain-messages.ts'

/** The provider of a trial, a process of its own. */
export interface StrainedProvider extends Process {
  ask(order: ProviderOrder): Promise<ProviderReply>
}

/** Starts one; it serves. One order at a time. */
export async function startStrainedProvider(): Promise<StrainedProvider> {
  const { child, process } = await startOwn('strained-provider')
  return {
    ...process,
    async ask(order) {
      const answer = once(child, 'message')
      child.send(order)
      const [message]: unknown[] = await answer
      return v.parse(providerReplySchema, message)
    },
  }
}
