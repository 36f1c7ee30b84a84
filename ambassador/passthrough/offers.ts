import type { PassName } from '#shared/passthrough/passable.ts'
import { azureDeployments } from '../providers/azure.ts'
import {
  type Profile,
  type Profiled,
  presetProfiles,
  profileOf,
  profiles,
} from '../providers/profile.ts'

const stateless: readonly PassName[] = ['images', 'speech', 'transcriptions']
const files: readonly PassName[] = ['files', 'batches', 'fine-tuning']

const none: readonly PassName[] = []

/**
 * What each provider has of the allow-list. Sources: https://platform.openai.com/docs/api-reference,
 * https://docs.anthropic.com/en/api, learn.microsoft.com, "Azure OpenAI in Microsoft Foundry Models v1 API",
 * docs.vllm.ai, "Online serving", https://console.groq.com/docs/api-reference, https://docs.mistral.ai/api,
 * https://docs.x.ai/docs/api-reference. Whoever copies OpenAI's interface may have any of what leaves
 * nothing behind, and files; what it has not it refuses itself.
 */
const offers: ReadonlyMap<Profile, readonly PassName[]> = new Map([
  [
    profiles.openai,
    [
      ...stateless,
      ...files,
      'moderations',
      'uploads',
      'vector-stores',
      'stored-completions',
      'conversations',
      'containers',
      'assistants',
    ],
  ],
  [profiles['openai-compatible'], [...stateless, ...files, 'moderations', 'rerank', 'ocr']],
  [profiles.anthropic, ['files', 'message-batches']],
  [profiles.azure, [...stateless, ...files, 'vector-stores']],
  // Below a deployment; what is stored lies beside them, and is served by the newer surface.
  [azureDeployments, stateless],
  [profiles.vllm, ['rerank', 'rerank-v2', 'score', 'transcriptions']],
  [presetProfiles.groq, ['speech', 'transcriptions', 'files', 'batches']],
  [presetProfiles.xai, ['images', 'files', 'batches', 'batch-requests']],
  [
    presetProfiles.mistral,
    ['moderations', 'ocr', 'transcriptions', 'files', 'fine-tuning', 'batch-jobs'],
  ],
])

/** What passes to a provider of this profile. */
export function offersOf(provider: Profiled): readonly PassName[] {
  return offers.get(profileOf(provider)) ?? none
}
