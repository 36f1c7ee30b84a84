import type { ReplicaOptions } from './options.ts'

/** The body of `/v1/models`: the served model, then its adapters. `newId` gives 16 hexadecimal digits. */
export function modelsText(options: ReplicaOptions, newId: () => string): string {
  const { model, contextTokensMax, loras } = options
  const created = options.clock.unixSeconds()
  const permission = () => ({
    id: `modelperm-${newId()}`,
    object: 'model_permission',
    created,
    allow_create_engine: false,
    allow_sampling: true,
    allow_logprobs: true,
    allow_search_indices: false,
    allow_view: true,
    allow_fine_tuning: false,
    organization: '*',
    group: null,
    is_blocking: false,
  })
  const entry = (id: string, parent: string | null) => ({
    id,
    object: 'model',
    created,
    owned_by: 'vllm',
    root: `/models/${id}`,
    parent,
    max_model_len: parent === null ? contextTokensMax : null,
    permission: [permission()],
  })
  const data = [entry(model, null), ...loras.map((name) => entry(name, model))]
  return JSON.stringify({ object: 'list', data })
}
