import { presets } from '#shared/config/presets.ts'
import { compatibleLimits } from '../quota/shape.ts'
import { openaiCompatible } from './openai-compatible.ts'
import type { Profile } from './profile.ts'

/**
 * NVIDIA NIM. Source: https://docs.nvidia.com/nim/large-language-models (API reference). One
 * integration reports that the hosted API never answers a stream asked for usage
 * (github.com/HKUDS/DeepTutor, pull request 420), so none is asked for; `usage: ask` suits
 * self-hosted servers, which are vLLM or TensorRT-LLM. Its examples bound answers by `max_tokens`. Not checked here: whether streams report
 * usage unasked, the limits, and which dialects each model has.
 */
export const nim: Profile = {
  ...openaiCompatible,
  ...presets.nim,
  auth: ['bearer'],
  title: 'NVIDIA NIM',
  telemetryName: 'nvidia_nim',
  usage: { ofStreams: 'unasked' },
  limitShape: compatibleLimits,
}
