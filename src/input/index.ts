export {
  argument,
  argumentsRefusedAs,
  declaredArguments,
  type Argument,
  type ArgumentCheck,
  type Declare,
} from './argument.js'
export { choice, either, presence } from './choices.js'
export {
  optional,
  type AnyDeclaration,
  type Declaration,
  type InputOf,
  type Optional,
} from './declaration.js'
export { faultText, shown, type Fault, type Problem } from './fault.js'
export { iterable, list, tuple } from './lists.js'
export { lookup } from './lookup.js'
export { namesOf, object, passingOver, type ObjectDeclaration } from './objects.js'
export {
  abortSignal,
  absent,
  anything,
  big,
  boolean,
  bytes,
  callback,
  exactly,
  having,
  instanceOf,
  knownText,
  name,
  number,
  numberOf,
  oneOf,
  scalar,
  text,
  textThat,
  whole,
} from './scalars.js'
