from pipeline.plugin import (
    BaseNode,
    BasePlugin,
    NodeSpecification,
    PortSpecification,
    ResourceRequirement,
)


class Broken(BasePlugin):
    def initialize(self, context):
        self.initialized = True

    def shutdown(self):
        pass

    def get_node_types(self):
        return [
            NodeSpecification(
                node_type="work",
                display_name="Work",
                category="Broken",
                description="Returns one number",
                outputs=[PortSpecification("result", "any", "Result", "A number")],
            )
        ]

    def create_node(self, node_type, parameters):
        raise RuntimeError("no node today")


class Work(BaseNode):
    def validate_inputs(self, inputs):
        return True

    def estimate_resources(self, inputs):
        return ResourceRequirement()

    def execute(self, inputs, context):
        return {"result": 1}
