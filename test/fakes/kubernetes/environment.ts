import type { Container } from './objects.ts'

/** The environment that a container gets: in values `$(NAME)` stands for an earlier variable, and `$$` for one dollar. */
export function environmentOf({ env = [] }: Container): Record<string, string> {
  const known: Record<string, string> = {}
  for (const { name, value = '' } of env) known[name] = expand(value, known)
  return known
}

/** As third_party/forked/golang/expansion does it; a name that is not known stays as it is written. */
function expand(value: string, known: Readonly<Record<string, string>>): string {
  return value.replace(/\$\$|\$\(([^)]*)\)/g, (all, name: string | undefined) =>
    name === undefined ? '$' : (known[name] ?? all),
  )
}
