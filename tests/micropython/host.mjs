// Runs Python inside MicroPython under Node, since the package's own command line hides failures.
// Standard input: JSON {version, files: {path: base64}, steps: [script]}. The files are copied into MicroPython's
// memory file system under /app, which is put on sys.path. The steps share their globals and end at the first that
// fails. Exit code: 0, or a step's SystemExit, or 1 for any other exception, whose traceback goes to standard error.
//
// This port cannot scan its stack, so `gc.collect()` collects only once the outermost call has returned to us:
// memory is measured across steps, never within one.
import { readFileSync } from "node:fs";

const job = JSON.parse(readFileSync(0, "utf8"));
const { loadMicroPython } = await import(`micropython-${job.version}/micropython.mjs`);
const micropython = await loadMicroPython({
    heapsize: 32 * 1024 * 1024, // room for the tests; it is no measure of memory on this port
    linebuffer: true,
    stdout: (line) => process.stdout.write(`${line}\n`),
    stderr: (line) => process.stderr.write(`${line}\n`),
});

function makeFolders(path) {
    const parts = path.split("/").slice(1, -1);
    for (let depth = 1; depth <= parts.length; depth += 1) {
        const folder = `/${parts.slice(0, depth).join("/")}`;
        if (!micropython.FS.analyzePath(folder).exists) {
            micropython.FS.mkdir(folder);
        }
    }
}

for (const [path, content] of Object.entries(job.files)) {
    makeFolders(`/app/${path}`);
    micropython.FS.writeFile(`/app/${path}`, Buffer.from(content, "base64"));
}

await micropython.runPythonAsync(`
import sys
sys.path.insert(0, "/app")
host_globals = {"__name__": "__main__"}
`);
// SystemExit does not reach us with its code, so the end of a step is told through a variable.
const step = `
host_exit_code = 1
try:
    exec(host_script, host_globals)
    host_exit_code = 0
except SystemExit as stop:
    host_exit_code = stop.args[0] if stop.args and stop.args[0] is not None else 0
except BaseException as error:
    sys.print_exception(error, sys.stderr)
`;
for (const script of job.steps) {
    micropython.globals.set("host_script", script);
    await micropython.runPythonAsync(step);
    const code = micropython.globals.get("host_exit_code");
    process.exitCode = Number.isInteger(code) ? code : 1;
    if (process.exitCode !== 0) {
        break;
    }
}
