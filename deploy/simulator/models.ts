import type { ReplicaOptions } from './options.ts'

/** The body of `/v1/models`; `permissionId` is 16 hexadecimal digits. */
export function modelsText(options: ReplicaOptions, permissionId: string): string {
  const { model, contextTokensMax } = options
  const created = options.clock.unixSeconds()
  const permission = {
    id: `modelperm-${permissionId}`,
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
  }
  const served = {
    id: model,
    object: 'model',
    created,
    owned_by: 'vllm',
    root: `/models/${model}`,
    parent: null,
  }
  const entry = { ...served, max_model_len: contextTokensMax, permission: [permission] }
  return JSON.stringify({ object: 'list', data: [entry] })
}
