"""The inner half of the runner: this file is sent into MicroPython and runs the shared tests there.

`TEST_MODULES` is set by a step of `run.py` before it. It uses nothing but what MicroPython has.
"""

# ruff: noqa: F821, T201  # TEST_MODULES is set before; printing is how it reports.

import sys


def run_module(name):
    """Run every test function of module `name`; return (number run, number failed)."""
    try:
        module = __import__(name, None, None, ["*"])
    except Exception as error:
        print(f"FAILED {name}: could not be imported")
        sys.print_exception(error)
        return 0, 1
    run = failed = 0
    for test in sorted(dir(module)):
        function = getattr(module, test)
        if not test.startswith("test_") or not callable(function):
            continue
        run += 1
        try:
            function()
        except Exception as error:
            failed += 1
            print(f"FAILED {name.replace('.', '/')}.py:{test}: {type(error).__name__}: {error}")
            sys.print_exception(error)
    return run, failed


total = failures = 0
for module_name in TEST_MODULES:
    count, bad = run_module(module_name)
    total += count
    failures += bad
print(f"micropython: {total} run, {failures} failed")
sys.exit(1 if failures else 0)
