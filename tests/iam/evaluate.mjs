// Evaluates requests against IAM policies, all that standard input has at once.
//   {"policies": […], "requests": [{"policy": 0, "action": "…", "resource": "…", "context": {…},
//     "principal": "name of the role", "guard": the resource's own policy or null}]}
// -> ["Allowed" | "ImplicitlyDenied" | "ExplicitlyDenied" | "error: …", …]
// The argument is the folder that the evaluator is installed in.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.argv[2], "package.json"));
const { runSimulation } = require("@cloud-copilot/iam-simulate");

const account = "123456789012";
const everything = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
};

const { policies, requests } = JSON.parse(readFileSync(0, "utf8"));
const verdicts = [];
for (const request of requests) {
  const answer = await runSimulation(
    {
      identityPolicies: [{ name: "own", policy: policies[request.policy] }],
      serviceControlPolicies: [
        { orgIdentifier: "r-root", policies: [{ name: "all", policy: everything }] },
      ],
      resourceControlPolicies: [],
      ...(request.guard ? { resourcePolicy: request.guard } : {}),
      request: {
        action: request.action,
        principal: `arn:aws:iam::${account}:role/${request.principal}`,
        resource: { accountId: account, resource: request.resource },
        contextVariables: request.context,
      },
    },
    {},
  );
  verdicts.push(
    answer.resultType === "error"
      ? `error: ${JSON.stringify(answer.errors)}`
      : answer.overallResult,
  );
}
process.stdout.write(JSON.stringify(verdicts));
