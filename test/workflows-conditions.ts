import { data, type Expr, Lexer, Parser } from '@actions/expressions'
import type {
  Binary,
  ContextAccess,
  ExprVisitor,
  FunctionCall,
  Grouping,
  IndexAccess,
  Literal,
  Logical,
  Unary,
} from '@actions/expressions/ast'
import { TokenType } from '@actions/expressions/lexer'

/** What is known of an event: what is not in it can be anything. Names are in small letters, as GitHub compares them. */
export interface Known {
  readonly [name: string]: string | number | boolean | null | Known
}

const UNKNOWN: unique symbol = Symbol('unknown')
type Value = string | number | boolean | null | Known | typeof UNKNOWN

const CONTEXTS = ['github', 'vars', 'env', 'inputs', 'needs', 'matrix', 'strategy', 'runner', 'job', 'steps', 'secrets']
const STATUS = ['always', 'cancelled', 'failure', 'success'].map((name) => ({ name, minArgs: 0, maxArgs: 9 }))

/**
 * Whether a condition of a job or step keeps it from running at an event, whatever is not known of the event may be.
 * @param condition as it stands at `if`; undefined where there is none
 */
export function neverRuns(condition: unknown, event: Known): boolean {
  if (condition === false) return true
  if (typeof condition !== 'string') return false
  const [, inside] = /^\s*\$\{\{(.*)\}\}\s*$/s.exec(condition) ?? []
  // Text around an expression makes it a text, which is true.
  if ((inside ?? condition).includes('${{')) return false
  const { tokens } = new Lexer(inside ?? condition).lex()
  const value = new Parser(tokens, CONTEXTS, STATUS).parse().accept(new KnownValue(event))
  return isFalse(value)
}

/** What an expression comes to by what is known; https://docs.github.com/actions/reference/evaluate-expressions */
class KnownValue implements ExprVisitor<Value> {
  private readonly event: Known

  constructor(event: Known) {
    this.event = event
  }

  private of(expr: Expr): Value {
    return expr.accept<Value>(this)
  }

  visitLiteral({ literal }: Literal): Value {
    if ('value' in literal) return literal.value
    return literal instanceof data.Null ? null : UNKNOWN
  }

  visitGrouping({ group }: Grouping): Value {
    return this.of(group)
  }

  visitContextAccess({ name }: ContextAccess): Value {
    return this.event[name.lexeme.toLowerCase()] ?? UNKNOWN
  }

  visitIndexAccess({ expr, index }: IndexAccess): Value {
    const object = this.of(expr)
    const key = this.of(index)
    if (!isObject(object) || typeof key !== 'string') return UNKNOWN
    const value = object[key.toLowerCase()]
    return value === undefined ? UNKNOWN : value
  }

  visitUnary({ expr }: Unary): Value {
    const value = this.of(expr)
    return isFalse(value) ? true : isTrue(value) ? false : UNKNOWN
  }

  visitLogical({ operator, args }: Logical): Value {
    const values = args.map((each) => this.of(each))
    const decides = operator.type === TokenType.AND ? isFalse : isTrue
    const isNeutral = operator.type === TokenType.AND ? isTrue : isFalse
    if (values.some(decides)) return operator.type !== TokenType.AND
    return values.every(isNeutral) ? operator.type === TokenType.AND : UNKNOWN
  }

  visitBinary({ left, operator, right }: Binary): Value {
    const a = this.of(left)
    const b = this.of(right)
    if (a === UNKNOWN || b === UNKNOWN || isObject(a) || isObject(b)) return UNKNOWN
    // Values of two kinds are made into numbers by GitHub; nothing here needs that.
    if (typeof a !== typeof b && a !== null && b !== null) return UNKNOWN
    const same = typeof a === 'string' && typeof b === 'string' ? a.toLowerCase() === b.toLowerCase() : a === b
    if (operator.type === TokenType.EQUAL_EQUAL) return same
    return operator.type === TokenType.BANG_EQUAL ? !same : UNKNOWN
  }

  /** A function could say anything: `always()` above all. */
  visitFunctionCall(_call: FunctionCall): Value {
    return UNKNOWN
  }
}

function isObject(value: Value): value is Known {
  return typeof value === 'object' && value !== null
}

function isFalse(value: Value): boolean {
  return value === false || value === 0 || value === '' || value === null
}

function isTrue(value: Value): boolean {
  return value !== UNKNOWN && !isFalse(value)
}
