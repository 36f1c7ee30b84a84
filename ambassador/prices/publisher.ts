/** Whose published prices these are. */
export const publisher = {
  package: '@pydantic/genai-prices',
  version: '0.1.8',
  /** The day of that version: its prices are not newer. */
  date: '2026-09-23',
} as const
