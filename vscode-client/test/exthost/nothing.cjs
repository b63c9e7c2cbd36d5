// Only the tests beside it are of interest.
exports.activate = () => undefined;
