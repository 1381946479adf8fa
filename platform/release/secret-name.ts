import { z } from 'zod'

/** Name of a secret: one that Secret Manager takes, and that is an environment variable when upper-cased. */
export const secretName = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,59}$/,
    'a secret\'s name starts with a letter and is made of lower-case letters, digits and "-", 60 at most',
  )
