/** `node --import ./scripts/typescript.js file.ts` runs TypeScript in place; `npm run example` and test:uml do. */
import { register } from 'node:module'

register('./typescript-hooks.js', import.meta.url)
