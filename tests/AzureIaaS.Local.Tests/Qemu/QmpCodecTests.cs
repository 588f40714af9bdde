using System.Text;
using System.Text.Json.Nodes;
using AzureIaaS.Local.Hypervisors.Qemu.Qmp;

namespace AzureIaaS.Local.Tests.Qemu;

public class QmpCodecTests
{
    private const string Greeting = """{"QMP": {"version": {"qemu": {"micro": 18, "minor": 2, "major": 7}, "package": "Debian"}, "capabilities": ["oob"]}}""" + "\r\n";
    private const string Answer = """{"return": {"status": "running", "singlestep": false, "running": true}, "id": 7}""" + "\r\n";
    private const string Refusal = """{"id": 8, "error": {"class": "CommandNotFound", "desc": "The command nope has not been found"}}""" + "\r\n";
    private const string Event = """{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}}""" + "\r\n";

    [Fact]
    public void AWholeConversation()
    {
        var messages = new QmpCodec().Receive(Encoding.UTF8.GetBytes(Greeting + Answer + Refusal + Event));
        Assert.Equal("7.2.18", Assert.IsType<QmpMessage.Greeting>(messages[0]).Version);
        var answer = Assert.IsType<QmpMessage.Return>(messages[1]);
        Assert.Equal((7, "running"), (answer.Id, answer.Value.GetProperty("status").GetString()));
        var refusal = Assert.IsType<QmpMessage.Error>(messages[2]);
        Assert.Equal((8, "CommandNotFound"), (refusal.Id, refusal.Class));
        var e = Assert.IsType<QmpMessage.Event>(messages[3]);
        Assert.Equal(("SHUTDOWN", "guest-shutdown"), (e.Name, e.Text("reason")));
    }

    [Fact]
    public void EveryWayOfCuttingTheBytesGivesTheSame()
    {
        var bytes = Encoding.UTF8.GetBytes(Greeting + Answer + Event);
        for (var cut = 0; cut <= bytes.Length; cut++)
        {
            var codec = new QmpCodec();
            var messages = codec.Receive(bytes.AsSpan(0, cut)).Concat(codec.Receive(bytes.AsSpan(cut))).ToList();
            Assert.Equal(3, messages.Count);
            Assert.Equal("guest-shutdown", ((QmpMessage.Event)messages[2]).Text("reason"));
        }
    }

    [Fact]
    public void OneByteTooFewIsNotAMessageYet()
    {
        var codec = new QmpCodec();
        var bytes = Encoding.UTF8.GetBytes(Answer);
        Assert.Empty(codec.Receive(bytes.AsSpan(0, bytes.Length - 1)));
        Assert.Single(codec.Receive(bytes.AsSpan(bytes.Length - 1)));
    }

    [Theory]
    [InlineData("hello\n")]
    [InlineData("{\n")]
    [InlineData("[1]\n")]
    [InlineData("{\"surprise\": 1}\n")]
    public void WhatIsNotTheProtocolIsSaidSo(string text) =>
        Assert.Equal("MonitorMalformed", Assert.Throws<IaaSException>(() => new QmpCodec().Receive(Encoding.UTF8.GetBytes(text))).ErrorId);

    [Fact]
    public void ALineThatNeverEndsIsRefusedBeforeItFillsTheMemory()
    {
        var codec = new QmpCodec();
        var chunk = new byte[1 << 20];
        Array.Fill(chunk, (byte)'x');
        Assert.Throws<IaaSException>(() =>
        {
            for (var i = 0; i < 16; i++)
                codec.Receive(chunk);
        });
    }

    [Theory]
    [InlineData("""{"return": {}, "id": "text"}""")]
    [InlineData("""{"error": 5}""")]
    [InlineData("""{"event": "X", "data": 7}""")]
    [InlineData("""{"QMP": {"version": 1}}""")]
    [InlineData("""{"QMP": null}""")]
    public void OddShapesAreTakenAsFarAsTheyGo(string text) => Assert.Single(new QmpCodec().Receive(Encoding.UTF8.GetBytes(text + "\n")));

    [Fact]
    public void ACommandIsOneLine()
    {
        var text = Encoding.UTF8.GetString(QmpCodec.Encode("migrate", new JsonObject { ["uri"] = "unix:/a\nb" }, 3));
        Assert.EndsWith("\r\n", text, StringComparison.Ordinal);
        Assert.Equal(1, text.Count(c => c == '\n'));
        var parsed = JsonNode.Parse(text)!;
        Assert.Equal(("migrate", 3, "unix:/a\nb"), ((string)parsed["execute"]!, (int)parsed["id"]!, (string)parsed["arguments"]!["uri"]!));
    }
}
