# The same cmdlets in Azure, against a double of its resource manager in a process of its own on loopback; disks lie in a real storage emulator where there is one.

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    Enter-TestHome | Out-Null
    Import-Module $ModulePath
    $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
    $listener.Start()
    $port = $listener.LocalEndpoint.Port
    $listener.Stop()
    $cache = $env:XDG_CACHE_HOME ? $env:XDG_CACHE_HOME : (Join-Path $HOME '.cache')
    $storage = (Get-Command azurite-blob -ErrorAction Ignore) -or (Test-Path (Join-Path $cache 'azureiaas/azurite/node_modules/.bin/azurite-blob'))
    $arguments = @("$RepositoryRoot/tests/ArmDouble/bin/Release/net10.0/AzureIaaS.ArmDouble.dll", $port) + @(if ($storage) { 'storage' })
    $double = Start-Process dotnet $arguments -PassThru -RedirectStandardOutput (Join-Path $TestHome double.log)
    Wait-Until { (Test-Path (Join-Path $TestHome double.log)) -and (Get-Content (Join-Path $TestHome double.log) -Raw) -match 'listening' }
    $id = [guid]::NewGuid()
    $azure = @{ Azure = $true; Subscription = $id; ResourceGroup = 'farm'; Environment = "http://127.0.0.1:$port" }
    $image = Join-Path $TestHome web01.raw
    New-TestImage $image | Out-Null
}

AfterAll {
    Invoke-RestMethod "http://127.0.0.1:$port/end" -ErrorAction Ignore
    $double | Wait-Process -Timeout 30
    Exit-TestHome
}

Describe 'A context in Azure' {
    It 'needs a group that is there, or a region to make it in' {
        (Get-ErrorOf { Connect-IaaS @azure }).FullyQualifiedErrorId | Should -BeLike 'ResourceGroupNotFound*'
        $context = Connect-IaaS @azure -Location westeurope -Name cloud
        $context.Provider | Should -Be 'Azure'
        (Connect-IaaS @azure -Name cloud).Azure.Location | Should -Be 'westeurope'
    }
}

Describe 'A machine in Azure' {
    It 'is refused before the first byte when its operating system was not said' {
        (Get-ErrorOf { Import-IaaSVm $image -Firmware Bios -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'OSTypeUnknown*'
    }

    It 'is imported, joined, started, listed beside local ones, stopped and removed by the same cmdlets' {
        New-IaaSNetwork corp 10.20.0.0/24 | Select-Object -ExpandProperty FreeAddresses | Should -Be 251
        $vm = Get-Item $image | Import-IaaSVm -Firmware Bios -OSType Linux -Size Standard_D4s_v5 | Join-IaaSNetwork corp | Start-IaaSVm -Wait
        "$($vm.State) $($vm.Context) $($vm.IPAddress) $($vm.BootVerified)" | Should -Be 'Running cloud 10.20.0.4 True'
        (Get-IaaSVm web*).Size | Should -Be 'Standard_D4s_v5'
        (Get-IaaSVm -Context * | Where-Object Context -EQ cloud).Name | Should -Be 'web01'
        (Get-IaaSNetwork corp).Machines | Should -Be 'web01'
        (Stop-IaaSVm web01).State | Should -Be 'Deallocated'
        Remove-IaaSVm web01 -Confirm:$false
        Remove-IaaSNetwork corp
        Get-IaaSVm | Should -BeNullOrEmpty
        Get-IaaSNetwork | Should -BeNullOrEmpty
        Get-IaaSOrphan | Should -BeNullOrEmpty
    }
}
