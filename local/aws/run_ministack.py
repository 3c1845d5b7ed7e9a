"""Starts ministack with four differences from its release, towards what AWS does.

Accounts are apart. ministack 1.5.33 kills the workers of every account that has a function of the same name when
CloudFormation makes one, also those that are starting or at work; here only those of the account that it is made in.

A Node function that throws answers the error's own name as errorType. ministack 1.5.33's warm Node worker answers
"Runtime.HandlerError" for every error, so that Retry and Catch of a state machine could never match a name. A worker
that ends before it answers is Runtime.ExitError, as on AWS, which callers retry.

STS says who a caller is only by a good signature: of its key, for its host, not older than 15 minutes, with its token.
ministack 1.5.33 without AUTH believes every Authorization header, so that whoever knows an access key could be its owner.

CloudFormation makes AWS::IAM::OIDCProvider. ministack 1.5.33 has these providers in its IAM, and not as a resource of a template.
"""
import re

from ministack.core import lambda_runtime, sigv4
from ministack.services import iam, lambda_svc, sts
from ministack.services.cloudformation import provisioners

MARK = "\u0001"
SETTLED = 'status: "error", error: String(err.message || err), trace: err.stack || ""'
NAMED = 'status: "error", error: "\\u0001" + (err && err.name || "Error") + "\\u0001" + String(err && err.message || err), trace: err && err.stack || ""'


def name_errors():
    script = lambda_runtime._NODEJS_WORKER_SCRIPT
    if script.count(SETTLED) != 1:
        raise SystemExit("ministack's Node worker changed; look at local/aws/run_ministack.py")
    lambda_runtime._NODEJS_WORKER_SCRIPT = script.replace(SETTLED, NAMED)

    inner = lambda_svc._execute_function_warm

    def execute(func, event, request_id):
        result = inner(func, event, request_id)
        body = result.get("body")
        if result.get("error") and isinstance(body, dict):
            found = re.match(f"{MARK}([^{MARK}]*){MARK}(.*)", str(body.get("errorMessage", "")), re.DOTALL)
            if found:
                body["errorType"], body["errorMessage"] = found.group(1), found.group(2)
            elif str(body.get("errorMessage", "")).startswith("Worker process exited"):
                body["errorType"] = "Runtime.ExitError"
        return result

    lambda_svc._execute_function_warm = execute


def keep_accounts_apart():
    inner = lambda_svc.invalidate_worker

    def invalidate(func_name, qualifier=None, account=None, region=None):
        inner(func_name, qualifier, account or lambda_svc.get_account_id(), region or lambda_svc.get_region())

    lambda_svc.invalidate_worker = invalidate


def check_callers():
    inner = sts.handle_request

    async def handle(method, path, headers, body, query_params):
        refused = signature_failure(method, path, headers, body, query_params)
        if refused:
            return sts._error(403, *refused, ns="sts")
        return await inner(method, path, headers, body, query_params)

    sts.handle_request = handle


def signature_failure(method, path, headers, body, query_params):
    """Why a request GetCallerIdentity is refused: code and message. An account's number as key stands for the account itself."""
    if b"Action=GetCallerIdentity" not in (body or b""):
        return None
    signature = sigv4.parse_header_signature(headers)
    if isinstance(signature, tuple):
        return signature
    if re.fullmatch(r"\d{12}", signature.access_key_id):
        return None
    session = sts._sessions.get(signature.access_key_id)
    if session is None or session.get("SessionToken") != headers.get("x-amz-security-token"):
        return "InvalidClientTokenId", "The security token included in the request is invalid."
    return sigv4.request_time_failure(signature) or sigv4.header_signature_failure(
        signature, session["SecretAccessKey"], method, path, query_params, headers, body
    )


def make_token_issuers():
    kind = "AWS::IAM::OIDCProvider"
    if kind in provisioners._RESOURCE_HANDLERS:
        raise SystemExit(f"ministack makes {kind} by itself now; take it out of local/aws/run_ministack.py")

    def create(logical_id, props, stack_name):
        url = props["Url"]
        arn = f"arn:aws:iam::{iam.get_account_id()}:oidc-provider/{url.removeprefix('https://')}"
        if arn in iam._oidc_providers:
            raise ValueError(f"Provider with url {url} already exists.")
        iam._oidc_providers[arn] = {"Arn": arn, "Url": url, "CreateDate": iam._now()}
        return update(arn, {}, props, stack_name)

    def update(arn, old, new, stack_name):
        iam._oidc_providers[arn].update(
            ClientIDList=new.get("ClientIdList", []), ThumbprintList=new.get("ThumbprintList", []), Tags=new.get("Tags", [])
        )
        return arn, {"Arn": arn}

    def delete(arn, props):
        iam._oidc_providers.pop(arn, None)

    provisioners._RESOURCE_HANDLERS[kind] = {"create": create, "update": update, "delete": delete}
    provisioners._REPLACING_PROPERTIES[kind] = ("Url",)


def main():
    name_errors()
    check_callers()
    keep_accounts_apart()
    make_token_issuers()
    from ministack.app import main as run

    run()


if __name__ == "__main__":
    main()
