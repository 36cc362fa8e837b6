// Runs one Python script inside MicroPython under Node, since the package's own command line hides failures.
// Standard input: JSON {version, files: {path: text}, script}. The files are copied into MicroPython's memory
// file system under /app, which is put on sys.path. Exit code: 0, or the script's SystemExit, or 1 for any other
// exception, whose traceback goes to standard error.
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

for (const [path, text] of Object.entries(job.files)) {
    makeFolders(`/app/${path}`);
    micropython.FS.writeFile(`/app/${path}`, text);
}

// SystemExit does not reach us with its code, so the script's end is told through a variable.
const wrapped = `
import sys
sys.path.insert(0, "/app")
host_exit_code = 1
try:
    exec(host_script, {"__name__": "__main__"})
    host_exit_code = 0
except SystemExit as stop:
    host_exit_code = stop.args[0] if stop.args and stop.args[0] is not None else 0
except BaseException as error:
    sys.print_exception(error, sys.stderr)
`;
micropython.globals.set("host_script", job.script);
await micropython.runPythonAsync(wrapped);
const code = micropython.globals.get("host_exit_code");
process.exitCode = Number.isInteger(code) ? code : 1;
