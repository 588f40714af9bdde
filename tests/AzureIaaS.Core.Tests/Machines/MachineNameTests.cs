namespace AzureIaaS.Tests.Machines;

public class MachineNameTests
{
    [Theory]
    [InlineData("web01")]
    [InlineData("Web 01 (copy)")]
    [InlineData("sp-web_2.old")]
    [InlineData("wörk")]
    public void GoodNames(string name) => Assert.Null(MachineName.Problem(name));

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("-x")]
    [InlineData(".hidden")]
    [InlineData("a*")]
    [InlineData("a?b")]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData("a,b")]
    [InlineData("a\nb")]
    [InlineData(" a")]
    [InlineData("0f8fad5b-d9cb-469f-a165-70867728950e")]
    public void BadNames(string name)
    {
        var error = Assert.Throws<IaaSException>(() => MachineName.Check(name));
        Assert.Equal(("InvalidVmName", ErrorKind.InvalidArgument), (error.ErrorId, error.Kind));
    }

    [Fact]
    public void TooLong() => Assert.NotNull(MachineName.Problem(new string('a', 81)));
}
