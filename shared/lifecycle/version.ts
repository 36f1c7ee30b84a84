import manifest from '../../package.json' with { type: 'json' }

/** Of the package: `0.1.0`. What sidecars name, and what a user agent says. */
export const { version } = manifest
