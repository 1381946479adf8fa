/** How something stands out on a terminal; plain text where there is none. */
export type Paint = (style: 'bold' | 'dim' | 'red' | 'yellow', text: string) => string

export const plain: Paint = (_, text) => text
