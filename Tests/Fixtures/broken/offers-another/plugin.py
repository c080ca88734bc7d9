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
                node_type="other",
                display_name="Other",
                category="Broken",
                description="Isn't in the manifest",
            )
        ]

    def create_node(self, node_type, parameters):
        return Work(parameters)


class Work(BaseNode):
    def validate_inputs(self, inputs):
        return True

    def estimate_resources(self, inputs):
        return ResourceRequirement()

    def execute(self, inputs, context):
        return {"result": 1}
