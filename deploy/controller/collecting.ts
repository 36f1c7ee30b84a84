import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'

/** Gives what runs a step and keeps its `KubernetesError` in `failures`; any other error passes. */
export function collecting(failures: KubernetesError[]) {
  return async (step: () => Promise<unknown>): Promise<void> => {
    try {
      await step()
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error
      failures.push(error)
    }
  }
}
