"""Parameters, queues, rules of events and alarms."""

from __future__ import annotations

import json

from tests.cluster.aws.kind import Kind, Made, Place, Properties, Tags, listed, with_own, without


def _parameter(place: Place, properties: Properties, tags: Tags) -> Made:
    place.client("ssm").put_parameter(
        **without(properties, "Tags"), Tags=listed(with_own(properties, tags))
    )
    return Made(properties["Name"])


def _queue(place: Place, properties: Properties, tags: Tags) -> Made:
    sqs = place.client("sqs")
    own = {
        key: json.dumps(value) if not isinstance(value, str) else value
        for key, value in without(properties, "Tags", "QueueName").items()
    }
    url = sqs.create_queue(
        QueueName=properties.get("QueueName") or place.name(80),
        Attributes=own,
        tags=with_own(properties, tags),
    )["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return Made(url, {"Arn": arn["QueueArn"], "QueueName": url.rpartition("/")[2]})


def _queue_policy(place: Place, properties: Properties, _tags: Tags) -> Made:
    text = json.dumps(properties["PolicyDocument"])
    for url in properties["Queues"]:
        place.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})
    return Made(place.name())


def _no_queue_policy(place: Place, _made: Made, properties: Properties) -> None:
    for url in properties["Queues"]:
        place.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})


def _event_rule(place: Place, properties: Properties, tags: Tags) -> Made:
    events = place.client("events")
    name = properties.get("Name") or place.name()
    made = events.put_rule(
        Name=name,
        Description=properties["Description"],
        EventPattern=json.dumps(properties["EventPattern"]),
        Tags=listed(tags),
    )
    events.put_targets(Rule=name, Targets=properties["Targets"])
    return Made(name, {"Arn": made["RuleArn"]})


def _no_event_rule(place: Place, made: Made, properties: Properties) -> None:
    events = place.client("events")
    events.remove_targets(Rule=made.physical, Ids=[each["Id"] for each in properties["Targets"]])
    events.delete_rule(Name=made.physical)


def _alarm(place: Place, properties: Properties, tags: Tags) -> Made:
    name = properties.get("AlarmName") or place.name()
    place.client("cloudwatch").put_metric_alarm(
        AlarmName=name, **without(properties, "AlarmName", "Tags"), Tags=listed(tags)
    )
    return Made(name)


SMALL: dict[str, Kind] = {
    "SSM::Parameter": Kind(
        _parameter,
        lambda place, made, _: place.client("ssm").delete_parameter(Name=made.physical),
        only=frozenset({"Name"}),
    ),
    "SQS::Queue": Kind(
        _queue,
        lambda place, made, _: place.client("sqs").delete_queue(QueueUrl=made.physical),
        only=frozenset({"QueueName"}),
    ),
    "SQS::QueuePolicy": Kind(_queue_policy, _no_queue_policy, tagged=False),
    "Events::Rule": Kind(_event_rule, _no_event_rule, only=frozenset({"Name"})),
    "CloudWatch::Alarm": Kind(
        _alarm,
        lambda place, made, _: place.client("cloudwatch").delete_alarms(AlarmNames=[made.physical]),
        only=frozenset({"AlarmName"}),
    ),
}
