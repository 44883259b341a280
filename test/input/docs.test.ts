import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'

const fixture = fileURLToPath(new URL('fixtures/documented.ts', import.meta.url))
const options: ts.CompilerOptions = {
  ...{ strict: true, declaration: true, emitDeclarationOnly: true, skipLibCheck: true, types: [] },
  ...{ exactOptionalPropertyTypes: true, target: ts.ScriptTarget.ES2022 },
  ...{ module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
}

/** The members of the fixture's interface, with their types and docs. */
function members(program: ts.Program, file: string): string[] {
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(file)
  const module = source && checker.getSymbolAtLocation(source)
  const place = module && checker.getExportsOfModule(module).find(({ name }) => name === 'Place')
  if (!place) return []
  return checker
    .getDeclaredTypeOfSymbol(place)
    .getProperties()
    .map(member => {
      const optional = member.flags & ts.SymbolFlags.Optional ? '?' : ''
      const docs = ts.displayPartsToString(member.getDocumentationComment(checker))
      return `${member.name}${optional}: ${checker.typeToString(checker.getTypeOfSymbol(member))} // ${docs}`
    })
}

const expected = ['dev: "a" | "b" // The device, by name.', 'chain?: number | undefined // Default 0.']

t.test('docs that are written in a declaration are those of the type, also in what is published', async t => {
  const program = ts.createProgram([fixture], options)
  t.strictSame(members(program, fixture), expected, 'in the source')

  const published = new Map<string, string>()
  program.emit(undefined, (name, text) => published.set(name, text), undefined, true)
  const disk = ts.createCompilerHost(options)
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: name => published.has(name) || disk.fileExists(name),
    getSourceFile(name, ...rest) {
      const text = published.get(name)
      return text === undefined
        ? disk.getSourceFile(name, ...rest)
        : ts.createSourceFile(name, text, ts.ScriptTarget.ES2022)
    },
  }
  const types = fixture.replace('.ts', '.d.ts')
  t.ok(published.has(types), 'there are types')
  t.strictSame(members(ts.createProgram([types], options, host), types), expected, 'in what is published')
})
