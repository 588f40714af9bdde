namespace AzureIaaS.Tests.Machines;

public sealed class NamePatternTests
{
    [Theory]
    [InlineData("web*", "web01", true)]
    [InlineData("web*", "WEB", true)]
    [InlineData("web*", "myweb", false)]
    [InlineData("web?", "web1", true)]
    [InlineData("web?", "web10", false)]
    [InlineData("web[1-3]", "web2", true)]
    [InlineData("web[1-3]", "web4", false)]
    [InlineData("[dw]b*", "db01", true)]
    [InlineData("a.c*", "abc", false)]
    [InlineData("a+(*", "a+(1)", true)]
    [InlineData("web[1", "web1", false)]
    [InlineData("*", "anything at all", true)]
    public void MatchesWholeNames(string pattern, string name, bool expected) =>
        Assert.Equal(expected, NamePattern.Of(pattern)!.Matches(name));

    [Theory]
    [InlineData("web01")]
    [InlineData("web.01-a_b c")]
    public void IsNoneWithoutAWildcard(string name) => Assert.Null(NamePattern.Of(name));

    [Fact]
    public void RefusesASetThatCannotBe() => Assert.Equal("InvalidNamePattern", Assert.Throws<IaaSException>(() => NamePattern.Of("web[9-1]")).ErrorId);
}
