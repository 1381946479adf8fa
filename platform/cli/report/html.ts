/** Text that is markup already: everything else is escaped on its way into a page. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toString(): string {
    return this.text
  }
}

/** What may stand in a template: text and numbers are escaped; nothing is drawn for undefined and false. */
export type Content = Html | string | number | undefined | false | readonly Content[]

/**
 * Markup with what varies escaped.
 * @example html`<td title="${hint}">${name}</td>`
 */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Html {
  return new Html(strings.map((text, index) => text + render(contents[index])).join(''))
}

/** Data for the script of a page. Nothing in it can end the element it stands in. */
export function json(data: unknown): Html {
  return new Html(
    JSON.stringify(data).replace(/[<>&\u2028\u2029]/g, (character) => {
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
    }),
  )
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function render(content: Content): string {
  if (content === undefined || content === false) return ''
  if (content instanceof Html) return content.text
  if (typeof content === 'object') return content.map(render).join('')
  // Control characters are not allowed in a page; a log line may hold any.
  return String(content)
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
    .replace(/[^\P{Cc}\n\t]/gu, '\u{fffd}')
}
