import type { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'

/** What to do about an API server that does not answer as it should. */
export function remedyOf({ status, reason }: KubernetesError): string {
  if (status === 401) return 'Log in anew: the API server does not know you by these credentials.'
  if (status === 403) return 'Ask for that right, or use a context that has it.'
  if (status === 404) return 'See that Outrigger is installed there: outrigger check.'
  if (reason === 'Unreachable' || reason === 'Timeout') {
    return 'See that the server of the context is right and can be reached: kubectl cluster-info.'
  }
  return 'See what kubectl says to the same question.'
}
