import type { AuthForm } from '#shared/config/credential-schema.ts'

/** The header, as name and value, that carries `secret`. */
export function authHeaders(form: AuthForm, secret: string): string[] {
  return form === 'bearer' ? ['authorization', `Bearer ${secret}`] : [form, secret]
}

/** Keys first and only: most of the field. */
export const bearer = (secret: string, form: AuthForm = 'bearer') => authHeaders(form, secret)
