/**
 * In `x-outrigger-reason`: the provider has no such path, and never had. The next target of the model is asked,
 * whatever its `fallback.on` says.
 */
export const notOffered = 'not-offered'
