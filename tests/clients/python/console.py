"""Runs pieces of Python in one namespace, for tests that decide between the steps of a program.

Each line of the standard input is a JSON object: "run", statements, or "get", an expression. The answer is a line of JSON on the standard
output: "value", that of the expression, or "error", the name of the exception's class, with its "message". What the pieces print goes to the
standard error.
"""

import json
import sys

answers = sys.stdout
sys.stdout = sys.stderr
namespace = {}

for line in sys.stdin:
    command = json.loads(line)
    try:
        if "run" in command:
            exec(compile(command["run"], "piece", "exec"), namespace)
            answer = {}
        else:
            answer = {"value": eval(command["get"], namespace)}
    except Exception as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    print(json.dumps(answer, default=str), file=answers, flush=True)
